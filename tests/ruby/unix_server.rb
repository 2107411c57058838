# Serves at a Unix socket with the configuration that drb/unix has for its file.
require 'drb'
require 'drb/unix'
require 'etc'

class Greeter
  def greet(name)
    "Hello, #{name}"
  end
end

config = {
  UNIXFileMode: 0o620,
  UNIXFileOwner: Etc.getpwuid.name,
  UNIXFileGroup: Etc.getgrgid.name
}
DRb.start_service(ARGV[0], Greeter.new, config)
$stdout.sync = true
puts "ready #{DRb.uri}"
DRb.thread.join
