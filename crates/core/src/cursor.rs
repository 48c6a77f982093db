//! A document as projections read it: from front to back, value by value, whatever text it stands in.
//!
//! Not serde: what its visitors become for each type is by far the largest part of what a review would run through, and
//! no processor's nearest cache holds it. The functions of a cursor are few, and every projection shares them.

use std::borrow::Cow;

/// A place in a document where a value begins. Reading a value moves on to what follows it.
///
/// Null is read as Go reads it: what it stands for is absent, whatever its type. A value of another type than was asked
/// for is absent too, and so may be all that follows; what went wrong first is told in the end, by
/// [`Cursor::failure`]. So a projection says what it reads and nothing else, and its code is half as large.
pub trait Cursor<'a>: Clone {
    /// Why something could not be read, and where it stands.
    type Error;
    /// How far an object was read.
    type Members;
    /// How far an array was read.
    type Elements;

    /// Enters an object.
    fn object(&mut self) -> Option<Self::Members>;

    /// Goes to the value of the next member that `number` knows, past those that it does not know, and returns its
    /// number; `None` behind the object. Numbers are below 64. One that comes twice is a failure: such a member means
    /// different things to different readers, and so nothing to us.
    fn member(&mut self, members: &mut Self::Members, number: &dyn Fn(&[u8]) -> Option<usize>) -> Option<usize>;

    /// Goes to the value of the next member, and returns its name; `None` behind the object.
    fn entry(&mut self, members: &mut Self::Members) -> Option<Cow<'a, str>>;

    /// Enters an array.
    fn array(&mut self) -> Option<Self::Elements>;

    /// Goes to the next element; false behind the array.
    fn element(&mut self, elements: &mut Self::Elements) -> bool;

    fn text(&mut self) -> Option<Cow<'a, str>>;

    fn integer(&mut self) -> Option<i64>;

    fn boolean(&mut self) -> Option<bool>;

    fn scalar(&mut self) -> Option<Scalar<'a>>;

    /// What stands here. Nothing is passed.
    fn form(&mut self) -> Form;

    /// Passes a value of any type; false where it is null.
    fn pass(&mut self) -> bool;

    /// What went wrong first, if anything did.
    fn failure(&mut self) -> Option<Self::Error>;
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Boolean,
    List,
    /// Or nothing at all.
    Null,
    Object,
    /// A number or a text.
    Scalar,
}

/// An `intstr.IntOrString` that counts, or a quantity: Kubernetes writes texts, people also numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    Number(serde_json::Number),
    Text(Cow<'a, str>),
}

/// Reads an array of what `read` reads.
pub fn list<'a, C: Cursor<'a>, T>(cursor: &mut C, read: impl Fn(&mut C) -> T) -> Option<Vec<T>> {
    let mut elements = cursor.array()?;
    let mut list = Vec::new();
    while cursor.element(&mut elements) {
        list.push(read(cursor));
    }
    Some(list)
}

/// Reads the members of an object that are named, and passes the others: `members!(cursor, { "name" => … })`, where
/// each expression reads one value. False where there is no object.
#[doc(hidden)]
#[macro_export]
macro_rules! members {
    ($cursor:ident, { $($name:literal => $read:expr),+ $(,)? }) => {{
        match $cursor.object() {
            None => false,
            Some(mut members) => {
                // Name by name: to compare with what is known here is two or three instructions.
                let number = |name: &[u8]| {
                    let next = 0;
                    $(
                        if name == $name.as_bytes() {
                            return Some(next);
                        }
                        let next = next + 1;
                    )+
                    debug_assert!(next < 64, "invariant: the numbers of members are below 64");
                    None
                };
                while let Some(number) = $cursor.member(&mut members, &number) {
                    let next = 0;
                    $(
                        if number == next {
                            $read;
                            continue;
                        }
                        let next = next + 1;
                    )+
                    debug_assert!(number < next, "invariant: a member has the number of its name");
                }
                true
            }
        }
    }};
}

pub use super::members;
