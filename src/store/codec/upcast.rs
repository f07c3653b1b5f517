//! Old bodies made new: one step from each schema version to the next.

use rmpv::Value;

use super::Error;

/// Turns the body of one event type from one schema version into the next.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The event type's registered number.
    pub number: u16,
    /// The schema version it takes.
    pub from: u16,
    /// The schema version it makes: the next one.
    pub to: u16,
    /// The change itself; `Err` says what in the old body was not as expected.
    pub apply: fn(Value) -> Result<Value, &'static str>,
}

/// The steps of every version that was ever released. None so far: every schema is at its first.
pub const STEPS: &[Step] = &[];

/// Takes a body of event type `number` from schema version `from` to `to`, step by step.
///
/// Fails where `table` has no step from some version on, or one that does not lead to the next.
pub fn upcast(
    table: &[Step],
    number: u16,
    from: u16,
    to: u16,
    body: Value,
) -> Result<Value, Error> {
    let mut body = body;
    for schema in from..to {
        let step = table
            .iter()
            .find(|step| step.number == number && step.from == schema)
            .filter(|step| step.to == schema + 1)
            .ok_or(Error::NoStep { number, schema })?;
        body = (step.apply)(body).map_err(|what| Error::Upcast {
            number,
            schema,
            what,
        })?;
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::{super::registry::TYPES, *};

    #[test]
    fn every_old_schema_of_every_type_has_a_way_up() {
        for known in TYPES {
            for schema in 1..known.schema {
                let steps = STEPS
                    .iter()
                    .filter(|step| step.number == known.number && step.from == schema);
                assert_eq!(steps.count(), 1, "{known:?} from version {schema}");
            }
        }
        for step in STEPS {
            assert_eq!(step.to, step.from + 1, "{step:?}");
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "the form of every step")]
    fn double(body: Value) -> Result<Value, &'static str> {
        let number = body.as_u64().ok_or("not a number")?;
        Ok(Value::from(number * 2))
    }

    const fn step(from: u16, to: u16) -> Step {
        Step {
            number: 9,
            from,
            to,
            apply: double,
        }
    }

    fn check(table: &[Step], from: u16, to: u16, expected: Result<u64, &str>) {
        let made = upcast(table, 9, from, to, Value::from(1))
            .map(|body| body.as_u64().unwrap())
            .map_err(|error| error.to_string());
        match (made, expected) {
            (Ok(made), Ok(expected)) => assert_eq!(made, expected),
            (Err(made), Err(expected)) => assert!(made.contains(expected), "{made}"),
            (made, expected) => panic!("{made:?} is not {expected:?}"),
        }
    }

    #[test]
    fn steps_are_taken_one_by_one_and_none_is_skipped() {
        let whole = [step(2, 3), step(1, 2), step(3, 4)];
        check(&whole, 1, 4, Ok(8));
        check(&whole, 3, 4, Ok(2));
        check(&whole, 4, 4, Ok(1));
        check(&whole[..1], 1, 3, Err("from schema version 1"));
        check(
            &[step(1, 2), step(3, 4)],
            1,
            4,
            Err("from schema version 2"),
        );
        check(&[step(1, 1)], 1, 2, Err("from schema version 1"));
        check(&[step(1, 3)], 1, 3, Err("from schema version 1"));
        assert!(upcast(&whole, 8, 1, 2, Value::Nil).is_err(), "another type");
        let wrong = upcast(&whole, 9, 1, 2, Value::Nil).unwrap_err();
        assert!(wrong.to_string().contains("not a number"), "{wrong}");
    }
}
