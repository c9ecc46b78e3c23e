import Foundation
import TestSupport

/// A real terminal without a window: tmux, with a shell in it that shows the last exit code.
final class Terminal {
  /// What `make test` installs.
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tmux")

  private let folder: TemporaryFolder

  init(columns: Int, in directory: String) throws {
    folder = try TemporaryFolder()
    try folder.write("heedrc", "PS1='[$?] '; PATH=\(try Self.commands):$PATH\n".utf8)
    try tmux([
      "-f", "/dev/null", "new-session", "-d", "-x", "\(columns)", "-y", "40", "-c", directory,
      "exec bash --noprofile --rcfile '\(folder.path)/heedrc' -i",
    ])
    wait { $0 == "[0]" }
  }

  deinit { _ = try? tmux(["kill-server"]) }

  private static var commands: String {
    get throws {
      URL(fileURLWithPath: try HeedProcess.executable).deletingLastPathComponent().path
    }
  }

  /// Types a line and the return key.
  func enter(_ line: String) throws {
    try tmux(["send-keys", "-l", line])
    try tmux(["send-keys", "Enter"])
  }

  /// Presses a key, as in `C-c`.
  func press(_ key: String) throws { try tmux(["send-keys", key]) }

  /// Makes the window wider or narrower.
  func resize(columns: Int) throws {
    try tmux(["resize-window", "-x", "\(columns)", "-y", "40"])
  }

  /// What stands in the rows, up to the last that is not empty.
  var rows: [String] { read([]) }

  /// The same with lines joined that did not fit a row.
  var lines: [String] { read(["-J"]) }

  private func read(_ options: [String]) -> [String] {
    var rows = ((try? tmux(["capture-pane", "-p"] + options)) ?? "")
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    while rows.last?.isEmpty == true { rows.removeLast() }
    return rows
  }

  /// The column of the cursor, from 0.
  var cursorColumn: Int? {
    (try? tmux(["display-message", "-p", "#{cursor_x}"]))
      .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// Waits until the last row is as wanted, for two minutes at most.
  /// - Parameter look: is called with the rows each time they were read.
  @discardableResult
  func wait(_ look: ([String]) -> Void = { _ in }, until isWanted: (String) -> Bool) -> Bool {
    for _ in 0..<4000 {
      let rows = rows
      look(rows)
      if isWanted(rows.last ?? "") { return true }
      usleep(30_000)
    }
    return false
  }

  @discardableResult
  private func tmux(_ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    // tmux leaves a server behind: one that held what Foundation watches a process by would never let
    // it end.
    let closing = """
      for file in /proc/self/fd/*; do
        number=${file##*/}
        if [ "$number" -gt 2 ]; then eval "exec $number>&-"; fi
      done
      exec /usr/bin/tmux "$@"
      """
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", closing, "bash", "-S", folder.path + "/socket"] + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.runWithSignals()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }
}
