"""What is kept beside a run: its output, the lines its program appended, its source snapshot, its outputs."""
