import Glibc

/// Ends the process over a mistake in the program itself: prints the place and what is wrong there
/// as one line on standard error, in release builds too, where a bare precondition says nothing.
///
/// What a user's input can reach throws an error instead.
package func bug(
  _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
  let text = "\(file):\(line): bug: \(message())\n"
  _ = text.utf8CString.withUnsafeBufferPointer {
    write(STDERR_FILENO, $0.baseAddress, $0.count - 1)
  }
  abort()
}
