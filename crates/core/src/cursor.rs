//! A document as projections read it: from front to back, value by value, whatever text it stands in.
//!
//! Not serde: what its visitors become for each type is by far the largest part of what a review would run through, and
//! no processor's nearest cache holds it. The functions of a cursor are few, and every projection shares them.

use std::borrow::Cow;

/// A place in a document where a value begins. Reading a value moves on to what follows it.
///
/// Null is read as Go reads it: what it stands for is absent, whatever its type.
pub trait Cursor<'a> {
    /// Why something could not be read, and where it stands.
    type Error;
    /// How far an object was read.
    type Members;
    /// How far an array was read.
    type Elements;

    /// Enters an object.
    ///
    /// # Errors
    /// Of all methods: the text is broken, or a value of another type stands here.
    fn object(&mut self) -> Result<Option<Self::Members>, Self::Error>;

    /// Goes to the value of the next member that `number` knows, past those that it does not know, and returns its
    /// number; `None` behind the object. Numbers are below 64.
    ///
    /// # Errors
    /// A number comes twice: such a member means different things to different readers, and so nothing to us.
    fn member(
        &mut self,
        members: &mut Self::Members,
        number: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Option<usize>, Self::Error>;

    /// Goes to the value of the next member, and returns its name; `None` behind the object.
    fn entry(&mut self, members: &mut Self::Members) -> Result<Option<Cow<'a, str>>, Self::Error>;

    /// Enters an array.
    fn array(&mut self) -> Result<Option<Self::Elements>, Self::Error>;

    /// Goes to the next element; false behind the array.
    fn element(&mut self, elements: &mut Self::Elements) -> Result<bool, Self::Error>;

    fn text(&mut self) -> Result<Option<Cow<'a, str>>, Self::Error>;

    fn integer(&mut self) -> Result<Option<i64>, Self::Error>;

    fn boolean(&mut self) -> Result<Option<bool>, Self::Error>;

    fn scalar(&mut self) -> Result<Option<Scalar<'a>>, Self::Error>;

    /// Passes a value of any type; false where it is null.
    fn pass(&mut self) -> Result<bool, Self::Error>;
}

/// An `intstr.IntOrString` that counts, or a quantity: Kubernetes writes texts, people also numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    Number(serde_json::Number),
    Text(Cow<'a, str>),
}

/// Reads an array of what `read` reads.
///
/// # Errors
/// Those of `cursor` and `read`.
pub fn list<'a, C: Cursor<'a>, T>(
    cursor: &mut C,
    read: impl Fn(&mut C) -> Result<T, C::Error>,
) -> Result<Option<Vec<T>>, C::Error> {
    let Some(mut elements) = cursor.array()? else {
        return Ok(None);
    };
    let mut list = Vec::new();
    while cursor.element(&mut elements)? {
        list.push(read(cursor)?);
    }
    Ok(Some(list))
}

/// Reads the members of an object that are named, and passes the others: `members!(cursor, { "name" => … })`, where
/// each expression reads one value. False where there is no object.
#[doc(hidden)]
#[macro_export]
macro_rules! members {
    ($cursor:ident, { $($name:literal => $read:expr),+ $(,)? }) => {{
        const NAMES: &[&str] = &[$($name),+];
        match $cursor.object()? {
            None => false,
            Some(mut members) => {
                let number = |name: &str| NAMES.iter().position(|known| *known == name);
                while let Some(number) = $cursor.member(&mut members, &number)? {
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
