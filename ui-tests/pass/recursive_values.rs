use drb::DrbDumped;

#[derive(DrbDumped)]
struct Tree {
    value: u64,
    children: Vec<Tree>,
    #[drb(default)]
    next: Option<Box<Self>>,
}

#[derive(DrbDumped)]
enum List<T> {
    End,
    Item(T, Box<List<T>>),
}

fn is_value(_: impl drb::Outbound + drb::Load) {}

fn main() {
    is_value(Tree { value: 1, children: vec![], next: None });
    is_value(List::Item(1_u64, Box::new(List::End)));
}
