//! Which nodes of a file are needed, and in which order.

use std::collections::{HashMap, HashSet};

/// A node as a file has it: the names of what it takes and of what it makes.
pub(super) struct Names<'a> {
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
}

/// Why there is no order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Disorder {
    /// A node needs its own output: the name of an output on the way.
    Cycle(String),
    /// Nothing makes this value.
    Missing(String),
}

/// The nodes that are needed for `wanted`, each behind those whose outputs it takes. What is `known` needs no node.
pub(super) fn order(
    nodes: &[Names<'_>],
    wanted: &[&str],
    known: &HashSet<&str>,
) -> Result<Vec<usize>, Disorder> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        makers.extend(
            node.outputs
                .iter()
                .filter(|output| !output.is_empty())
                .map(|output| (*output, at)),
        );
    }
    let maker = |name: &str| match (known.contains(name), makers.get(name)) {
        (true, _) => Ok(None),
        (false, Some(node)) => Ok(Some(*node)),
        (false, None) => Err(Disorder::Missing(name.to_owned())),
    };
    let mut states = vec![State::New; nodes.len()];
    let mut ordered = Vec::new();
    for name in wanted {
        let Some(first) = maker(name)? else {
            continue;
        };
        // Nodes on the way, with how many of their inputs were looked at: a file may be deeper than the stack.
        let mut way = vec![(first, 0)];
        while let Some((node, looked_at)) = way.last_mut() {
            let at = *node;
            if *looked_at == 0 {
                match states[at] {
                    State::Done => {
                        way.pop();
                        continue;
                    }
                    State::OnTheWay | State::New => states[at] = State::OnTheWay,
                }
            }
            let Some(input) = nodes[at].inputs.get(*looked_at) else {
                states[at] = State::Done;
                ordered.push(at);
                way.pop();
                continue;
            };
            *looked_at += 1;
            if input.is_empty() {
                continue;
            }
            let Some(next) = maker(input)? else {
                continue;
            };
            match states[next] {
                State::Done => {}
                State::OnTheWay => return Err(Disorder::Cycle((*input).to_owned())),
                State::New => way.push((next, 0)),
            }
        }
    }
    Ok(ordered)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnTheWay,
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(
        nodes: &[(&[&'static str], &[&'static str])],
        wanted: &[&str],
    ) -> Result<Vec<usize>, Disorder> {
        let nodes: Vec<Names<'_>> = nodes
            .iter()
            .map(|(inputs, outputs)| Names {
                inputs: inputs.to_vec(),
                outputs: outputs.to_vec(),
            })
            .collect();
        order(&nodes, wanted, &HashSet::from(["given"]))
    }

    #[test]
    fn nodes_stand_behind_what_they_need_and_others_are_left_out() {
        let nodes: &[(&[&str], &[&str])] = &[
            (&["b", "a"], &["c"]),
            (&["given", ""], &["a"]),
            (&["nowhere"], &["unused"]),
            (&["a", "given"], &["b"]),
        ];
        assert_eq!(ordered(nodes, &["c", "given", "b"]), Ok(vec![1, 3, 0]));
        assert_eq!(
            ordered(nodes, &["unused"]),
            Err(Disorder::Missing("nowhere".to_owned()))
        );
        assert_eq!(
            ordered(nodes, &["none"]),
            Err(Disorder::Missing("none".to_owned()))
        );
    }

    #[test]
    fn a_cycle_is_found_and_a_deep_graph_is_none() {
        let nodes: &[(&[&str], &[&str])] = &[(&["b"], &["a"]), (&["a"], &["b"]), (&["c"], &["c"])];
        assert_eq!(ordered(nodes, &["a"]), Err(Disorder::Cycle("a".to_owned())));
        assert_eq!(ordered(nodes, &["c"]), Err(Disorder::Cycle("c".to_owned())));
        let names: Vec<String> = (0..=100_000).map(|at| at.to_string()).collect();
        let nodes: Vec<Names<'_>> = names
            .windows(2)
            .map(|pair| Names {
                inputs: vec![&pair[1]],
                outputs: vec![&pair[0]],
            })
            .collect();
        let order = order(&nodes, &["0"], &HashSet::from(["100000"])).unwrap();
        assert_eq!(order.first(), Some(&99_999));
    }
}
