
;
x0Placeholder*
shape:	*
dtype0
q
AvgPoolAvgPoolx0*
paddingSAME*
T0*
strides
*
ksize
*
data_formatNHWC
 
y0IdentityAvgPool*
T0"ª