import Foundation

/// The browser of the user's desktop.
enum DesktopBrowser {
  /// What opens a file with the program that the desktop names for it.
  private static let opener = "xdg-open"
  /// How long it is waited for; an opener that lasts longer has become the browser itself.
  private static let patience = 5.0

  /// Opens a file.
  /// - Returns: why it could not be opened, in a line; `nil` if it could.
  static func open(_ path: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let found = folders.map { "\($0)/\(opener)" }
      .first(where: FileManager.default.isExecutableFile(atPath:))
    guard let found else {
      return "--open: there is no \(opener) here; open \(path) in a browser yourself"
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: found)
    process.arguments = [URL(fileURLWithPath: path).path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      return "--open: \(found) does not start; open \(path) in a browser yourself"
    }
    let end = Date(timeIntervalSinceNow: patience)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.02) }
    guard !process.isRunning, process.terminationStatus != 0 else { return nil }
    return "--open: \(opener) found no browser (it ended with \(process.terminationStatus)); "
      + "open \(path) in a browser yourself"
  }
}
