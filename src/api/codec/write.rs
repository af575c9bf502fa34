//! Writing: a [`Serializer`] that builds a JSON tree. It cannot fail, so that no type's code asks.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{Error, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};
use serde_json::{Map, Value};

pub(super) struct Writer;

/// The error there is not.
#[derive(Debug)]
pub(super) enum Never {}

impl Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl Error for Never {
    fn custom<T: Display>(message: T) -> Self {
        refused(&message)
    }
}

#[cold]
fn refused(message: &dyn Display) -> ! {
    panic!("no type here refuses to be written: {message}")
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Never;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Impossible<Value, Never>;
    type SerializeTupleVariant = Impossible<Value, Never>;
    type SerializeMap = Members;
    type SerializeStruct = Members;
    type SerializeStructVariant = Impossible<Value, Never>;

    fn serialize_bool(self, value: bool) -> Result<Value, Never> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Value, Never> {
        Ok(Value::String(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Never> {
        Ok(Value::String(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Never> {
        Ok(value.into())
    }

    fn serialize_none(self) -> Result<Value, Never> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Never> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Never> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Never> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Never> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, Never> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Never> {
        let mut members = Members::default();
        members.put(variant, value.serialize(self)?);
        Ok(members.close())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Never> {
        Ok(Items(Vec::with_capacity(len.unwrap_or_default())))
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, Never> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Never> {
        refused(&name)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Never> {
        refused(&name)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members, Never> {
        Ok(Members::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Never> {
        Ok(Members::default())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Never> {
        refused(&name)
    }
}

pub(super) struct Items(Vec<Value>);

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Never;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        self.0.push(value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Never> {
        Ok(Value::Array(self.0))
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = Never;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Value, Never> {
        Ok(Value::Array(self.0))
    }
}

/// An object in the making.
#[derive(Default)]
pub(super) struct Members {
    map: Map<String, Value>,
    key: String,
}

impl Members {
    #[inline(never)]
    fn put(&mut self, key: &str, value: Value) {
        self.map.insert(key.to_owned(), value);
    }

    #[inline(never)]
    fn close(self) -> Value {
        Value::Object(self.map)
    }
}

impl SerializeStruct for Members {
    type Ok = Value;
    type Error = Never;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Never> {
        self.put(key, value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Never> {
        Ok(self.close())
    }
}

impl SerializeMap for Members {
    type Ok = Value;
    type Error = Never;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        self.key = match key.serialize(Writer)? {
            Value::String(key) => key,
            // Numbers are text there.
            other => other.to_string(),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        let key = std::mem::take(&mut self.key);
        self.map.insert(key, value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Never> {
        Ok(self.close())
    }
}
