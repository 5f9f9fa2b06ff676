"""DevMachine: a simulated machine, from its bootstrap data to a Node and back."""
