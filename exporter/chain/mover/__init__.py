"""What a mover does until it has ended, one idea each: its copy, its pods, and how they fail."""
