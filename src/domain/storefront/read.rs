//! Reads a storefront from its definition file.
