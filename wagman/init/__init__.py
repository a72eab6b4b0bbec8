"""`wagman init`: a configuration that is as short as it can be, with a comment for each table, from flags or from questions.

- `words`      from a word of the command line or an answer to the value that the file has
- `plan`       what the file is to say; `specs`: what a word such as `gn,port=0,http=http://gn/` describes of it
- `flags`      a plan from the command line; `questions`: a plan from answers, on a terminal
- `text`       a plan as TOML, and whether that is right
- `command`    the command: where the file goes, and what to type next
"""
