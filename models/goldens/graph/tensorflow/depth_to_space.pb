
;
x0Placeholder*
shape:	*
dtype0
R
DepthToSpaceDepthToSpacex0*

block_size*
T0*
data_formatNHWC
%
y0IdentityDepthToSpace*
T0"ª