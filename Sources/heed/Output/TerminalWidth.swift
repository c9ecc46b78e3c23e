import Foundation

// Unsafe: the terminal's size is written into a variable of our own.

/// How wide the terminal is that a stream goes to.
enum TerminalWidth {
  /// The longest that a line of a table on standard output should be: no limit where no terminal shows it.
  static var ofTables: Int { columns(of: STDOUT_FILENO) ?? .max }

  /// The columns; `nil` where the stream goes elsewhere.
  static func columns(of stream: Int32) -> Int? {
    guard isatty(stream) == 1 else { return nil }
    var size = winsize()
    let isKnown = unsafe ioctl(stream, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }
}
