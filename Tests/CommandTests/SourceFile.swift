import Foundation

/// A Swift file that the formatter has laid out, read by lines: what it declares, and where.
struct SourceFile {
  let name: String
  /// Without the blanks at their starts.
  let lines: [Substring]
  private let indents: [Int]

  init(_ name: String, _ text: String) {
    self.name = name
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    self.lines = lines.map { $0.drop { $0 == " " } }
    indents = zip(lines, self.lines).map { $0.utf8.count - $1.utf8.count }
  }

  /// A declaration by its name, as in `read(_:at:)`.
  struct Declaration {
    let name: String
    let keyword: Substring
    let line: Int
    /// The type, protocol or extension that it stands in, as in `AStar.Loss`.
    let owner: String?
    let isPublic: Bool
    let isDocumented: Bool
    /// What a type, protocol or extension conforms to.
    let conformances: [String]

    var path: String { (owner.map { $0 + "." } ?? "") + name }
    var opensScope: Bool { SourceFile.scopes.contains(keyword) }
  }

  /// What other packages see; requirements of a public protocol among it.
  var publicDeclarations: [Declaration] {
    let all = declarations
    let protocols = Set(all.filter { $0.isPublic && $0.keyword == "protocol" }.map(\.path))
    return all.filter { declaration in
      declaration.keyword != "extension"
        && (declaration.isPublic
          || declaration.owner.map(protocols.contains) ?? false
            && !extended(all, at: declaration))
    }
  }

  /// Whether a declaration stands in an extension, by the last scope that opens before it.
  private func extended(_ all: [Declaration], at declaration: Declaration) -> Bool {
    all.last { $0.line < declaration.line && $0.opensScope }?.keyword == "extension"
  }

  private static let scopes: Set<Substring> = [
    "struct", "class", "enum", "actor", "protocol", "extension",
  ]
  private static let keywords = scopes.union([
    "let", "var", "func", "init", "subscript", "typealias",
  ])
  private static let modifiers: Set<Substring> = [
    "public", "package", "internal", "fileprivate", "private", "static", "final", "mutating",
    "nonisolated", "indirect", "override", "consuming", "prefix", "infix", "lazy", "convenience",
  ]

  var declarations: [Declaration] {
    var scopes: [(indent: Int, path: String)] = []
    var found: [Declaration] = []
    for (index, line) in lines.enumerated() where !line.hasPrefix("//") {
      let words = line.split(separator: " ").drop { $0.hasPrefix("@") }
      let modifiers = words.prefix { word in
        Self.modifiers.contains(word.prefix { $0 != "(" })
      }
      guard let first = words.dropFirst(modifiers.count).first else { continue }
      let keyword = first.prefix { $0.isLetter }
      guard Self.keywords.contains(keyword) else { continue }
      while let last = scopes.last, last.indent >= indents[index] { scopes.removeLast() }
      let header = self.header(from: index)
      // Locals of a function's body are no declarations of the file.
      guard indents[index] == (scopes.last.map { $0.indent + 2 } ?? 0) else { continue }
      let declaration = Declaration(
        name: Self.name(keyword, header), keyword: keyword, line: index + 1,
        owner: scopes.last?.path, isPublic: modifiers.contains("public"),
        isDocumented: isDocumented(index), conformances: Self.conformances(keyword, header))
      found.append(declaration)
      if declaration.opensScope { scopes.append((indents[index], declaration.path)) }
    }
    return found
  }

  /// A declaration up to its body.
  private func header(from index: Int) -> String {
    var header = ""
    for line in lines[index...] {
      header += line + " "
      let (opened, closed) = header.reduce(into: (0, 0)) { count, character in
        count.0 += character == "(" ? 1 : 0
        count.1 += character == ")" ? 1 : 0
      }
      if opened == closed && !line.hasSuffix(",") { break }
    }
    return String(header.prefix { $0 != "{" })
  }

  private func isDocumented(_ index: Int) -> Bool {
    lines[..<index].last { !$0.hasPrefix("@") }?.hasPrefix("///") ?? false
  }

  private static func name(_ keyword: Substring, _ header: String) -> String {
    let after = header[(header.range(of: keyword)?.upperBound ?? header.startIndex)...]
    guard keyword == "func" || keyword == "init" || keyword == "subscript" else {
      return String(after.drop { $0 == " " }.prefix { !" :<={,".contains($0) })
    }
    let base = keyword == "func" ? after.drop { $0 == " " }.prefix { !"(<".contains($0) } : keyword
    let trimmed = base.last == " " ? base.dropLast() : base
    if trimmed.allSatisfy({ !$0.isLetter }) { return String(trimmed) }
    return trimmed + "(" + labels(after).map { $0 + ":" }.joined() + ")"
  }

  /// The labels of the parameters in the first parentheses.
  private static func labels(_ text: Substring) -> [Substring] {
    var depth = 0
    var parameters: [Substring] = []
    var start: Substring.Index?
    scan: for index in text.indices {
      switch text[index] {
      case "(", "[", "<":
        depth += 1
        if depth == 1 && text[index] == "(" { start = text.index(after: index) }
      case ">" where text[..<index].last == "-": break
      case ")", "]", ">":
        depth -= 1
        if depth == 0, let begin = start {
          parameters.append(text[begin..<index])
          break scan
        }
      case "," where depth == 1:
        if let begin = start { parameters.append(text[begin..<index]) }
        if start != nil { start = text.index(after: index) }
      default: break
      }
    }
    return parameters.compactMap { $0.split { " :\n".contains($0) }.first }
  }

  private static func conformances(_ keyword: Substring, _ header: String) -> [String] {
    guard scopes.contains(keyword), let colon = header.firstIndex(of: ":") else { return [] }
    let list = header[header.index(after: colon)...]
    return list.prefix(upTo: list.range(of: " where ")?.lowerBound ?? list.endIndex)
      .split { ", &".contains($0) }.map(String.init)
  }
}
