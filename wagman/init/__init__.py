"""`wagman init`: a configuration as short as possible, with a comment for each table, from flags or from questions.

- `words`      from a word of the command line or an answer to the value in the file
- `plan`       the content of the file; `specs`: the parts that a word such as `gn,port=0,http=http://gn/` describes
- `flags`      a plan from the command line; `questions`: a plan from answers, on a terminal
- `text`       a plan as TOML, and whether that is right
- `command`    the command: where the file goes, and what to type next
"""
