# Writes random values as frames (a length of four bytes and what Marshal.dump gives):
# dump_values.rb SEED COUNT
require_relative 'random_values'

values = RandomValues.new(ARGV[0].to_i)
$stdout.binmode
ARGV[1].to_i.times do
  dumped = Marshal.dump(values.value)
  $stdout.write([dumped.bytesize].pack('N'), dumped)
end
