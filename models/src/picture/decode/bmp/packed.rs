//! Pixels that are coded as runs.

/// Places in a palette, of 4 or 8 bits, row by row as they are in the file. What is passed over is
/// 0. `None` if the file ends within them.
pub(super) fn unpacked(data: &[u8], [width, height]: [usize; 2], bits: usize) -> Option<Vec<u8>> {
    let mut values = vec![0; width.checked_mul(height)?];
    let (mut column, mut row) = (0, 0);
    let mut codes = data.iter().copied();
    let mut put = |column: usize, row: usize, value: u8| {
        if column < width && row < height {
            values[row * width + column] = value;
        }
    };
    while row < height {
        let (count, code) = (codes.next()?, codes.next()?);
        match (count, code) {
            (0, 0) => (column, row) = (0, row + 1),
            (0, 1) => break,
            (0, 2) => {
                column += usize::from(codes.next()?);
                row += usize::from(codes.next()?);
            }
            // As many values as this says, in whole words of 16 bits.
            (0, count) => {
                let count = usize::from(count);
                let bytes = (count * bits).div_ceil(8);
                let literal: Vec<u8> = codes.by_ref().take(bytes.next_multiple_of(2)).collect();
                for place in 0..count {
                    put(column + place, row, value(&literal, place, bits)?);
                }
                column += count;
            }
            (count, code) => {
                let pair = [code; 2];
                for place in 0..usize::from(count) {
                    put(column + place, row, value(&pair, place % 2, bits)?);
                }
                column += usize::from(count);
            }
        }
    }
    Some(values)
}

/// One of the values that lie side by side.
fn value(bytes: &[u8], place: usize, bits: usize) -> Option<u8> {
    if bits == 8 {
        return bytes.get(place).copied();
    }
    let byte = bytes.get(place / 2)?;
    Some(match place.is_multiple_of(2) {
        true => byte >> 4,
        false => byte & 15,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_literals_and_jumps_are_unpacked() {
        let data = [3, 7, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 1, 1, 2, 9, 0, 1];
        let expected = [7, 7, 7, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 9, 9, 0, 0, 0];
        assert_eq!(unpacked(&data, [6, 3], 8).unwrap(), expected);
        let data = [5, 0x12, 0, 0, 0, 3, 0x34, 0x50, 0, 1];
        assert_eq!(
            unpacked(&data, [5, 2], 4).unwrap(),
            [1, 2, 1, 2, 1, 3, 4, 5, 0, 0]
        );
        for length in 0..data.len() {
            assert!(unpacked(&data[..length], [5, 2], 4).is_none(), "{length}");
        }
        // A run beyond the row is cut; a jump beyond the picture ends it.
        assert_eq!(
            unpacked(&[9, 1, 0, 2, 0, 200], [2, 2], 8).unwrap(),
            [1, 1, 0, 0]
        );
    }
}
