
7
x0Placeholder*
shape:*
dtype0
7
x1Placeholder*
shape:*
dtype0
*
AddNAddNx0x1x0*
T0*
N

y0IdentityAddN*
T0"ª