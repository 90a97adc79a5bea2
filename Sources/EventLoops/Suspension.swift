/// A task that waits to be resumed, exactly once, from an event loop.
///
/// It stands for the standard library's unsafe continuation: the checked one allocates for each wait.
/// Whoever holds it keeps the promise to resume it once; the state machines that do clear it as they
/// take it.
@safe
@usableFromInline
package struct Suspension<Value: Sendable>: Sendable {
    @usableFromInline let continuation: UnsafeContinuation<Value, any Error>

    @inlinable
    package init(_ continuation: UnsafeContinuation<Value, any Error>) { unsafe self.continuation = continuation }

    @inlinable
    package func resume(returning value: Value) { unsafe continuation.resume(returning: value) }

    @inlinable
    package func resume(throwing error: any Error) { unsafe continuation.resume(throwing: error) }

    @inlinable
    package func resume<Failure: Error>(with result: Result<Value, Failure>) {
        switch result {
        case .success(let value): resume(returning: value)
        case .failure(let error): resume(throwing: error)
        }
    }
}

extension Suspension where Value == Void {
    @inlinable
    package func resume() { resume(returning: ()) }
}

/// Suspends the task until what `body` was given is resumed.
@inlinable
package func suspend<Value: Sendable>(_ body: (Suspension<Value>) -> Void) async throws -> Value {
    try await unsafe withUnsafeThrowingContinuation { unsafe body(Suspension($0)) }
}
