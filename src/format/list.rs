use std::array;

/// Lists of so many entries are compared where they are, longer ones on the heap.
pub(super) const FEW: usize = 16;

/// Whether two entries are equal.
///
/// No allocation for a list that a person would write, and no quadratic work for any other.
pub(super) fn has_repeats<T: Copy + Ord>(entries: impl Iterator<Item = T>) -> bool {
    let mut entries = entries.fuse();
    let mut few: [Option<T>; FEW] = array::from_fn(|_| entries.next());
    match entries.next() {
        None => repeats(&mut few),
        Some(next) => repeats(&mut few.into_iter().chain([Some(next)]).chain(entries.map(Some)).collect::<Vec<_>>()),
    }
}

fn repeats<T: Ord>(entries: &mut [Option<T>]) -> bool {
    entries.sort_unstable();
    entries.windows(2).any(|pair| matches!(pair, [Some(a), Some(b)] if a == b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_found_wherever_it_is_and_however_long_the_list() {
        assert!(!has_repeats([0_usize; 0].into_iter()));
        for len in [1, 2, 3, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            assert!(!has_repeats(0..len), "{len}");
            assert!(!has_repeats((0..len).rev()), "{len}");
            for (first, second) in [(0, len - 1), (0, len / 2), (len / 2, len - 1)] {
                let entries = (0..len).map(|entry| if entry == second { first } else { entry });
                assert_eq!(has_repeats(entries), first != second, "{len} {first} {second}");
            }
        }
    }
}
