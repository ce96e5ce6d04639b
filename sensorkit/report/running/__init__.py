"""The main job: notebooks executed one after the other, and a folder that tells the truth."""
