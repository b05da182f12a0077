# One page of text as PDF 1.4, in a font that every reader has.
module Pdf
  def self.page(lines)
    shown = lines.map { |line| "(#{line.encode('windows-1252', undef: :replace).gsub(/[()\\\\]/) { |it| "\\#{it}" }}) Tj T*" }
    text = "BT /F1 12 Tf 16 TL 72 760 Td #{shown.join("\n")} ET"
    objects = [
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
      "<< /Length #{text.bytesize} >>\nstream\n#{text}\nendstream",
      '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>'
    ]
    made = "%PDF-1.4\n".b
    places = objects.each_with_index.map do |object, index|
      at = made.bytesize
      made << "#{index + 1} 0 obj\n#{object}\nendobj\n".b
      format("%010d 00000 n \n", at)
    end
    table = made.bytesize
    made << "xref\n0 #{objects.size + 1}\n0000000000 65535 f \n#{places.join}trailer << /Size #{objects.size + 1} /Root 1 0 R >>\nstartxref\n#{table}\n%%EOF\n"
  end
end
