//! Work on many small things, in as many portions as there are processors.

use std::thread;

/// Fewer than that are not worth a thread.
const LEAST: usize = 64;

/// What `work` makes of each, in the order of `items`.
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() <= LEAST {
        return items.iter().map(work).collect();
    }
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let (first, others) = items.split_at(items.len().div_ceil(processors).max(LEAST));
    let size = first.len();
    thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = others
            .chunks(size)
            .map(|portion| scope.spawn(move || portion.iter().map(work).collect::<Vec<_>>()))
            .collect();
        let mut made: Vec<R> = first.iter().map(work).collect();
        for other in others {
            match other.join() {
                Ok(portion) => made.extend(portion),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_is_kept_whatever_the_number() {
        for count in [0, 1, 64, 65, 128, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = super::map(&items, |number| number * 2);
            assert_eq!(doubled.len(), count);
            assert!(
                doubled
                    .iter()
                    .enumerate()
                    .all(|(index, two)| *two == index * 2)
            );
        }
    }
}
