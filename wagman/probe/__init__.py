"""`wagman probe` and `wagman check-config --ask`: everybody in a configuration is asked once, and nothing is switched.

- `sources`      the ears of guests and the witnesses of networks
- `boards`       plain boards; `wagman_board`: a Wagman, over the serial port unless the service holds it
- `service`      what a running service knows of what cannot be asked from here
- `answers`      what came of it; `table`: that for people, and as JSON
- `differences`  how the boards differ from what the file says
- `command`      the command `probe`
"""
