internal import NodeTransport

/// Throws a violation of `promise` unless `condition` holds.
func require(_ condition: Bool, _ promise: @autoclosure () -> String) throws {
    guard condition else { throw ContractViolation(promise()) }
}

/// Throws a violation of `promise` unless the values are equal.
func requireEqual<Value: Equatable>(_ actual: Value, _ expected: Value, _ promise: @autoclosure () -> String) throws {
    guard actual == expected else {
        throw ContractViolation("\(promise()): expected \(expected), got \(actual)")
    }
}

/// Throws a violation of `promise` unless `body` fails with a ``TransportError`` of one of `codes`.
@discardableResult
func requireError<Value>(
    _ codes: StatusCode..., promise: @autoclosure () -> String, _ body: () async throws -> Value
) async throws -> TransportError {
    let expected = codes.map(\.description).joined(separator: " or ")
    do {
        _ = try await body()
    } catch let error as TransportError {
        guard codes.contains(error.code) else {
            throw ContractViolation("\(promise()): expected \(expected), got \(error)")
        }
        return error
    } catch let violation as ContractViolation {
        throw violation
    } catch {
        throw ContractViolation("\(promise()): expected a TransportError with \(expected), got \(error)")
    }
    throw ContractViolation("\(promise()): expected \(expected), got no error")
}

/// Throws a violation unless the error is one after which any call may be sent again.
func requireNotProcessed(_ error: TransportError, _ promise: @autoclosure () -> String) throws {
    guard error.processing == .notProcessed else {
        throw ContractViolation("\(promise()): the error must say notProcessed: \(error)")
    }
}
