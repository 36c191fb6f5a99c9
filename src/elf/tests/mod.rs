//! Tests of stripping, on objects made here and so for every class and byte order.

mod verify;
