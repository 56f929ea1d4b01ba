//! Deliveries over the wire.
