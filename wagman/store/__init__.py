"""The rolling log of events and the state that must last."""
