import ArgumentParser

/// How much of a command's options its help page lists.
///
/// `heed compare --help` has the common options; `heed help compare` and `heed compare --help-hidden`
/// have all. Completion, the man page and suggestions always have all.
enum HelpDetail {
  /// Whether a page is made that lists the common options only.
  @TaskLocal static var isShort = false

  /// Where the options stand that few need.
  static var rare: ArgumentVisibility { isShort ? .hidden : .default }
}
