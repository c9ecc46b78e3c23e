import Foundation

/// A Markdown page whose commands are run as they stand.
struct DocumentationPage {
  /// A fenced block.
  struct Block {
    /// The word after the fence; empty for commands.
    let language: String
    /// What the comment in the line before the fence says, as in `not run: needs real weights`.
    let mark: String
    /// The line of the fence, from 1.
    let line: Int
    let lines: [String]

    /// Why the block is not run; nil if it is.
    var reasonNotToRun: String? { marked("not run: ") }

    /// The name of the file whose text the block is.
    var fileName: String? { marked("file: ") }

    private func marked(_ prefix: String) -> String? {
      mark.hasPrefix(prefix) ? String(mark.dropFirst(prefix.count)) : nil
    }

    /// The commands of a block without a language; a line that ends in a backslash goes on in the
    /// next one.
    var commands: [DocumentedCommand] {
      var commands: [DocumentedCommand] = []
      var goesOn = false
      for (index, text) in lines.enumerated() {
        if goesOn, var command = commands.popLast() {
          command.shell += "\n" + text
          command.outputStart += 1
          commands.append(command)
        } else if text.hasPrefix("$ ") {
          commands.append(
            DocumentedCommand(
              shell: String(text.dropFirst(2)), line: line + index + 1,
              outputStart: line + index + 1,
              shown: []))
        } else if var command = commands.popLast() {
          command.shown.append(text)
          commands.append(command)
          continue
        }
        goesOn = text.hasSuffix("\\")
      }
      return commands
    }
  }

  /// The file's path in the repository.
  let name: String
  let lines: [String]
  let blocks: [Block]

  init(_ name: String) throws {
    self.name = name
    let url = URL(fileURLWithPath: Repository.root + "/" + name)
    let text = try String(contentsOf: url, encoding: .utf8)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    blocks = Self.blocks(of: lines)
  }

  private static func blocks(of lines: [String]) -> [Block] {
    var blocks: [Block] = []
    var start: Int?
    for (index, text) in lines.enumerated() where text.hasPrefix("```") {
      guard let first = start else {
        start = index
        continue
      }
      let before = first > 0 ? lines[first - 1] : ""
      let isComment = before.hasPrefix("<!-- ") && before.hasSuffix(" -->")
      blocks.append(
        Block(
          language: String(lines[first].dropFirst(3)),
          mark: isComment ? String(before.dropFirst(5).dropLast(4)) : "",
          line: first + 1, lines: Array(lines[(first + 1)..<index])))
      start = nil
    }
    return blocks
  }

  /// The targets of the page's links and pictures, outside of blocks of code.
  var links: [Substring] {
    var isCode = false
    var links: [Substring] = []
    for line in lines {
      if line.hasPrefix("```") { isCode.toggle() }
      if !isCode { links += line.matches(of: /\]\(([^)\s]+)\)/).map(\.output.1) }
    }
    return links
  }

  /// The names by which links reach the page's headings, as GitHub makes them.
  var anchors: Set<String> {
    let headings = lines.filter { $0.hasPrefix("#") }.map { $0.trimmingPrefix(/#+\s/) }
    return Set(
      headings.map { heading in
        String(heading.lowercased().filter { $0.isLetter || $0.isNumber || " -_".contains($0) })
          .replacing(" ", with: "-")
      })
  }
}

/// A command on a page, and what the page says that it prints.
struct DocumentedCommand {
  var shell: String
  /// The line of the command in the page, from 1.
  let line: Int
  /// The index in the page of the first line that is shown.
  var outputStart: Int
  var shown: [String]

  /// Runs the command as a line of shell, with `heed` on the path.
  func run(in folder: String) throws -> HeedProcess.Result {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let heed = URL(fileURLWithPath: try HeedProcess.executable).deletingLastPathComponent().path
    return try HeedProcess.run(
      [], in: folder, environment: ["PATH": heed + ":" + path], shell: shell)
  }

  /// What a page shows of another result: as many lines between `…` as before, or the whole
  /// output where there was no `…`; nil if a line between two `…` is not found again.
  func updated(to result: HeedProcess.Result) -> [String]? {
    var printed = Self.lines(result.stdout)
    if printed.isEmpty || shown.contains(where: Self.isMessage) {
      printed += Self.lines(result.stderr)
    }
    guard shown.contains(Self.anyLines) else { return printed }
    let parts = shown.split(separator: Self.anyLines, omittingEmptySubsequences: false)
    var updated: [String] = []
    var next = 0
    for (index, part) in parts.enumerated() where !part.isEmpty {
      let start: Int?
      if index == 0 {
        start = 0
      } else if index == parts.count - 1 {
        start = printed.count - part.count
      } else {
        let name = part.first?.prefix { !$0.isWhitespace }
        start = printed[next...].firstIndex { $0.prefix { !$0.isWhitespace } == name }
      }
      guard let start, start >= next, start + part.count <= printed.count else { return nil }
      if index > 0 { updated.append(Self.anyLines) }
      next = start + part.count
      updated += printed[start..<next]
    }
    return parts.last?.isEmpty == true ? updated + [Self.anyLines] : updated
  }

  /// How a result differs from what is shown; nil if it does not.
  ///
  /// Standard output is shown whole. Of the messages, which include progress, a page may leave out
  /// any but the one with which a command fails.
  func difference(from result: HeedProcess.Result) -> String? {
    let output = Self.lines(result.stdout)
    let messages = Self.lines(result.stderr)
    let isMessage = output.isEmpty ? { (_: String) in true } : Self.isMessage
    let shownMessages = shown.filter { isMessage($0) && $0 != Self.anyLines }
    let shownOutput = shown.filter { !isMessage($0) }
    if result.status != 0 {
      let reason = messages.last(where: Self.isMessage) ?? "no message"
      if !shownMessages.contains(reason) { return "ends with \(result.status): \(reason)" }
    }
    let required = shownMessages.flatMap { [Self.anyLines, $0] } + [Self.anyLines]
    return ShownLines(required).difference(from: messages)
      ?? ShownLines(shownOutput).difference(from: output)
  }

  static let anyLines = "…"

  private static func isMessage(_ line: String) -> Bool { line.hasPrefix("heed: ") }

  private static func lines(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}

/// Lines of a page, of which `…` stands for any number of lines.
struct ShownLines {
  private let shown: [ComparableLine]
  private let texts: [String]

  init(_ lines: [String]) {
    texts = lines
    shown = ComparableLine.lines(lines)
  }

  /// The first line that is not what is shown; nil if all are.
  func difference(from actual: [String]) -> String? {
    let lines = ComparableLine.lines(actual)
    var next = 0
    var mayPass = false
    for (text, wanted) in zip(texts, shown) {
      if text == DocumentedCommand.anyLines {
        mayPass = true
        continue
      }
      guard let found = lines[next...].firstIndex(where: wanted.matches), mayPass || found == next
      else { return "shows “\(text)”, prints “\(next < actual.count ? actual[next] : "")”" }
      next = found + 1
      mayPass = false
    }
    return mayPass || next == lines.count ? nil : "does not show “\(actual[next])”"
  }
}

/// A printed line as words and numbers, without what differs from one making of it to the next:
/// seconds, sizes in memory and on disk, dates, checksums, and the width of columns.
struct ComparableLine {
  private let parts: [Substring]

  static func lines(_ texts: [String]) -> [ComparableLine] {
    var cellsWithSeconds: Int?
    return texts.map { text in
      var cells = text.split(separator: /\s{2,}/)
      if cells.last == "seconds" {
        cellsWithSeconds = cells.count
      } else if cells.isEmpty {
        cellsWithSeconds = nil
      } else if cells.count == cellsWithSeconds {
        cells.removeLast()
      }
      return ComparableLine(cells.joined(separator: " "))
    }
  }

  private init(_ text: String) {
    let masked = text.replacing(/[0-9.]+ ([KMG]i)?B\b/, with: "SIZE")
      .replacing(/[0-9.]+ s\b/, with: "SECONDS").replacing(
        /[0-9]{4}-[0-9]{2}-[0-9]{2}/, with: "DATE"
      )
      .replacing(/0x[0-9a-f]{8}/, with: "CHECKSUM")
    let number = /[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?/
    var parts: [Substring] = []
    var end = masked.startIndex
    for match in masked.matches(of: number) {
      parts += [masked[end..<match.range.lowerBound], masked[match.range]]
      end = match.range.upperBound
    }
    self.parts = parts + [masked[end...]]
  }

  /// Whether words are the same, whole numbers too, and others differ by one of the last digit.
  ///
  /// Numbers with an exponent are sizes of rounding errors: they may be ten times as large.
  func matches(_ other: ComparableLine) -> Bool {
    parts.count == other.parts.count
      && zip(parts, other.parts).allSatisfy { $0 == $1 || Self.areClose($0, $1) }
  }

  private static func areClose(_ first: Substring, _ second: Substring) -> Bool {
    guard let a = Double(first), let b = Double(second) else { return false }
    if first.contains("e"), second.contains("e") { return max(a, b) <= 10 * min(a, b) }
    guard let digits = [first, second].compactMap(Self.decimals).min() else { return false }
    return abs(a - b) <= 1.001 * pow(10, -Double(digits))
  }

  private static func decimals(_ number: Substring) -> Int? {
    number.firstIndex(of: ".").map { number.distance(from: $0, to: number.endIndex) - 1 }
  }
}
