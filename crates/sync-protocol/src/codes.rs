//! Words of a closed list as numbers on the wire, to which a later version may add.

/// Makes a list of words CBOR: each is its number, and a number that is not in the list is the word after `else`, so that it
/// ends nothing. `else Other(number)` keeps the number.
macro_rules! cbor_codes {
    ($list:ident { $($word:ident = $code:literal),+ $(,)? } else $unknown:ident) => {
        cbor_codes!(@both $list { $($word = $code),+ } {} _ => $list::$unknown);
    };
    ($list:ident { $($word:ident = $code:literal),+ $(,)? } else $other:ident($number:ident)) => {
        cbor_codes!(@both $list { $($word = $code),+ } { $list::$other($number) => *$number, } $number => $list::$other($number));
    };
    (@both $list:ident { $($word:ident = $code:literal),+ } { $($kept:tt)* } $more:pat => $unknown:expr) => {
        impl<C> minicbor::Encode<C> for $list {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                let code: u8 = match self {
                    $($list::$word => $code,)+
                    $($kept)*
                };
                e.u8(code)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $list {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Ok(match d.u8()? {
                    $($code => $list::$word,)+
                    $more => $unknown,
                })
            }
        }
    };
}

pub(crate) use cbor_codes;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{ChunkRefusal, Refusal, RefusedCode};

    #[test]
    fn a_number_of_a_newer_build_is_the_word_for_what_is_not_known() {
        let newer = minicbor::to_vec(99_u8).unwrap();
        assert_eq!(minicbor::decode(&newer).ok(), Some(Refusal::Malformed));
        assert_eq!(minicbor::decode(&newer).ok(), Some(ChunkRefusal::Later));
        assert_eq!(minicbor::decode(&newer).ok(), Some(RefusedCode::Other(99)));
        assert_eq!(minicbor::to_vec(RefusedCode::Other(99)).unwrap(), newer);
    }

    #[test]
    fn a_word_keeps_its_number() {
        assert_eq!(minicbor::to_vec(ChunkRefusal::Forgotten).unwrap(), [3]);
        assert_eq!(minicbor::decode(&[3]).ok(), Some(ChunkRefusal::Forgotten));
        assert_eq!(minicbor::to_vec(RefusedCode::SameDevice).unwrap(), [15]);
        assert_eq!(minicbor::decode(&[15]).ok(), Some(RefusedCode::SameDevice));
    }
}
