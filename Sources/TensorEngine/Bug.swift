import Glibc

// Unsafe: the system writes from an address, which the array lends.

/// Ends the process over a mistake in the program itself, or for want of memory.
///
/// It prints one line with the place and what is wrong there on standard error, where a bare
/// precondition says nothing in release builds. What a user's input can reach throws an error instead.
package func bug(
  _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
  let text = Array("fatal: \(file):\(line): \(message())\n".utf8)
  _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  abort()
}
