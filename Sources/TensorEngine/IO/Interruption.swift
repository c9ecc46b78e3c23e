internal import Glibc

/// What a call of the system returns, made again where a signal interrupted it before it did anything.
///
/// After a thousand interruptions in a row it fails as by any other error: a system that says nothing
/// else shall not hold a process for ever.
package func uninterrupted(_ call: () -> Int) -> Int {
  for _ in 0..<1000 {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
  return call()
}
