/// What a PDF says of itself, as XML that catalogues and archives read, and the recipe for programs.
///
/// - Reference: Adobe, XMP Specification Part 1 (ISO 16684-1), sections 7 and 8; Part 2 for its namespaces.
struct XMPPacket {
  package let metadata: Scene.Metadata
  /// What is in the figure; may be empty.
  package let description: String
  /// The library that wrote the PDF, as its info dictionary names it.
  let producer: String

  /// The packet, which ends in a line.
  package var text: String {
    let properties =
      ["<dc:format>application/pdf</dc:format>", "<dc:language>\(bag(["en"]))</dc:language>"]
      + alternative("dc:title", metadata.title) + alternative("dc:description", description)
      + simple("xmp:CreatorTool", metadata.software) + simple("xmp:CreateDate", metadata.date)
      + simple("xmp:ModifyDate", metadata.date) + simple("pdf:Producer", producer)
      + (metadata == .anonymous ? [] : simple("pdf:Keywords", keywords))
      + simple("heed:manifest", metadata.manifest)
    return """
      <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
      <x:xmpmeta xmlns:x="adobe:ns:meta/">
      <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
        xmlns:heed="\(Scene.Metadata.namespace)">
      \(properties.joined(separator: "\n"))
      </rdf:Description>
      </rdf:RDF>
      </x:xmpmeta>
      <?xpacket end="r"?>

      """
  }

  /// The keywords as the info dictionary has them.
  package var keywords: String { Scene.Metadata.keywords.joined(separator: ", ") }

  private func simple(_ name: String, _ value: String) -> [String] {
    value.isEmpty ? [] : ["<\(name)>\(MarkupText.escaped(value))</\(name)>"]
  }

  /// A text in the one language that it is in.
  private func alternative(_ name: String, _ value: String) -> [String] {
    if value.isEmpty { return [] }
    let item = "<rdf:li xml:lang=\"x-default\">\(MarkupText.escaped(value))</rdf:li>"
    return ["<\(name)><rdf:Alt>\(item)</rdf:Alt></\(name)>"]
  }

  private func bag(_ values: [String]) -> String {
    "<rdf:Bag>" + values.map { "<rdf:li>\(MarkupText.escaped($0))</rdf:li>" }.joined()
      + "</rdf:Bag>"
  }
}
