//! `num-bigint`, with the feature `num-bigint`: integers of any size.

use crate::{Dump, DumpError, Dumper, Load, LoadError, LoadErrorKind, Loader};
use num_bigint::{BigInt, BigUint, Sign};

by_value!([] BigInt, [] BigUint);

impl Dump for BigInt {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        let (sign, magnitude) = self.to_bytes_le();
        dumper.big_int(sign == Sign::Minus, &magnitude)
    }
}

impl Load for BigInt {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let (negative, magnitude) = loader.big_int()?;
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(Self::from_bytes_le(sign, &magnitude))
    }
}

impl Dump for BigUint {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.big_int(false, &self.to_bytes_le())
    }
}

impl Load for BigUint {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let (negative, magnitude) = loader.big_int()?;
        let value = Self::from_bytes_le(&magnitude);
        if negative && value != Self::ZERO {
            let value = format!("-{value}");
            return Err(LoadErrorKind::OutOfRange { value, target: "BigUint" }.into());
        }
        Ok(value)
    }
}
