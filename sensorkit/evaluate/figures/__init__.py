"""The figures of an evaluation as plotly.js descriptions, each with its words and its table."""
