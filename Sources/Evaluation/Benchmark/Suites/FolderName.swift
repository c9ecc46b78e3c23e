/// What keeps a name that came from outside from being a path.
enum FolderName {
  /// A name may be 255 bytes long; what is made of it must fit too.
  private static let longest = 200

  /// Why `name` cannot be a folder's; `nil` if it can.
  static func flaw(in name: String) -> String? {
    if name.isEmpty { return "is empty" }
    if name.utf8.count > longest { return "is longer than \(longest) bytes" }
    if name.hasPrefix(".") { return "begins with a dot" }
    if name.contains("/") { return "has a slash" }
    let hidden: Set<Unicode.GeneralCategory> = [
      .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned,
    ]
    return name.unicodeScalars.contains { hidden.contains($0.properties.generalCategory) }
      ? "has a character that cannot be seen" : nil
  }
}
