"""Which neurons the paths visit: Sobol' sequence, vertices, linear algebra over GF(2), and a judge of topologies."""
