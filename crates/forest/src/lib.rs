//! Random forest beside the network.
