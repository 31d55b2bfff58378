"""How answers are measured against labels, one module for each way."""
