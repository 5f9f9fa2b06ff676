"""DevCluster: the place where a simulated cluster is served."""
