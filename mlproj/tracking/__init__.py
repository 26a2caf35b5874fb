"""What happened: experiments and runs with their parameters, metrics, tags, inputs and outputs."""
