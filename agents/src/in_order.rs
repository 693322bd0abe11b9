//! Several questions under way at once, answered in the order in which they were asked.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Futures that run side by side. What comes out keeps the order in which they went in. Dropping it drops them all.
pub(crate) struct InOrder<T> {
    waiting: VecDeque<Slot<T>>,
}

enum Slot<T> {
    Running(Pin<Box<dyn Future<Output = T> + Send>>),
    Ready(T),
}

impl<T: Unpin> InOrder<T> {
    pub(crate) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds one, which begins at once.
    pub(crate) async fn push(&mut self, future: impl Future<Output = T> + Send + 'static) {
        self.waiting.push_back(Slot::Running(Box::pin(future)));
        poll_fn(|context| {
            self.poll_all(context);
            Poll::Ready(())
        })
        .await;
    }

    /// The first one's result; none when there is none.
    pub(crate) async fn next(&mut self) -> Option<T> {
        poll_fn(|context| {
            self.poll_all(context);
            match self.waiting.pop_front() {
                None => Poll::Ready(None),
                Some(Slot::Ready(result)) => Poll::Ready(Some(result)),
                Some(running) => {
                    self.waiting.push_front(running);
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn poll_all(&mut self, context: &mut Context<'_>) {
        for slot in &mut self.waiting {
            let Slot::Running(future) = slot else {
                continue;
            };
            if let Poll::Ready(result) = future.as_mut().poll(context) {
                *slot = Slot::Ready(result);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_come_in_the_order_of_the_questions() {
        let (first, later) = tokio::sync::oneshot::channel();
        let mut answers = InOrder::new();
        answers.push(async move { later.await.unwrap() }).await;
        answers
            .push(async move {
                first.send(1).unwrap();
                2
            })
            .await;
        assert_eq!(answers.len(), 2);
        assert_eq!(answers.next().await, Some(1));
        assert_eq!(answers.next().await, Some(2));
        assert_eq!(answers.next().await, None);
    }
}
