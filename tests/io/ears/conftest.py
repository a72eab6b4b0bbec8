"""Until facts bear no address, the ears' facts get one here."""

from functools import partial

from attrs import fields

from wagman.io.ears import ear, silence
from wagman.model import facts

if any(each.name == "port" for each in fields(facts.Beat)):
    for module, name in ((ear, "Beat"), (silence, "Listened")):
        setattr(module, name, partial(getattr(facts, name), 0))
