use drb::DrbDumped;
use std::collections::BTreeMap;

trait Family {
    type Member;
}

struct Numbers;

impl Family for Numbers {
    type Member = u64;
}

#[derive(DrbDumped)]
struct Page<T, F: Family, const N: usize>
where
    F: 'static,
{
    items: BTreeMap<String, Vec<T>>,
    member: Option<F::Member>,
    #[drb(skip)]
    family: std::marker::PhantomData<F>,
}

fn is_value<T: drb::Dump + drb::Load>() {}

fn main() {
    is_value::<Page<u8, Numbers, 3>>();
    let _ = |page: Page<u8, Numbers, 3>| (page.items, page.member, page.family);
}
