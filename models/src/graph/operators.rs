//! The operations, in groups that are computed alike: for each what is inferred, and how it is computed.

pub(super) mod arrange;
pub(super) mod block;
pub(super) mod convolution;
pub(super) mod dense;
pub(super) mod elementwise;
pub(super) mod fill;
pub(super) mod matrix;
pub(super) mod norm;
pub(super) mod pad;
pub(super) mod pick;
pub(super) mod pool;
pub(super) mod recurrent;
pub(super) mod reduce;
pub(super) mod resize;
pub(super) mod shape;
pub(super) mod transposed;
