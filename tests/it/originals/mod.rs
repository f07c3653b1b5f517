//! The originals' commands, policies and requirements, one file for each storefront.

mod tutoring;
