"""`wagman probe` and `wagman check-config --ask`: each board, ear and witness in a configuration is asked once, and not switched.

- `sources`      the ears of guests and the witnesses of networks
- `boards`       plain boards; `wagman_board`: a Wagman, over the serial port unless the service holds it
- `service`      what a running service knows about those that cannot be asked from here
- `answers`      the answers; `table`: the answers for people, and as JSON
- `differences`  how the boards differ from what the file says
- `command`      the command `probe`
"""
