
;
x0Placeholder*
shape:*
dtype0
R
SpaceToDepthSpaceToDepthx0*

block_size*
T0*
data_formatNHWC
%
y0IdentitySpaceToDepth*
T0"ª