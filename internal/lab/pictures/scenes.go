package main

// picture is one file of docs/pictures.
type picture struct {
	name  string
	title string // for who does not see it
	about string
	// scenes are played in order, in one terminal.
	scenes []scene
}

// scene is a command that is typed.
type scene struct {
	command string
	fails   bool // its status is not 0
	answers []answer
}

// answer is what a person types when the terminal shows a text.
type answer struct{ shown, typed string }

var pictures = []picture{
	{
		"credentials", "vaws hands out AWS credentials", "The AWS CLI takes credentials from Vault by a profile; the same as JSON; and a command under vaws exec.",
		[]scene{
			{command: "cat ~/.aws/config"},
			{command: "aws --profile ec2-admin ec2 describe-vpcs --query 'Vpcs[].VpcId'"},
			{command: "vaws credential-process ec2-admin"},
			{command: "vaws exec ec2-admin -- aws sts get-caller-identity --query Account"},
		},
	},
	{
		"hints", "Errors of vaws and what to do about them", "A misspelt role, a role with several ARNs, a lifetime that is too short, a policy that is missing: each error has a hint.",
		[]scene{
			{command: "vaws exec ec2-amdin -- ./deploy.sh", fails: true},
			{command: "vaws exec multi -- ./deploy.sh", fails: true},
			{command: "vaws exec ec2-admin --ttl 5m -- ./deploy.sh", fails: true},
			{command: "vaws exec team/ec2-admin -- ./deploy.sh", fails: true},
		},
	},
	{
		"login", "Logging in to Vault with vaws", "vaws login asks for a password; the token is kept, and credentials come.",
		[]scene{
			{command: "unset VAULT_TOKEN"},
			{command: "vaws exec ec2-admin --refresh -- aws s3 ls", fails: true},
			{command: "vaws login userpass --username alice", answers: []answer{{"password: ", password + "\r"}}},
			{command: "vaws exec ec2-admin --refresh -- aws s3 ls"},
		},
	},
	{
		"everyday", "Setting vaws up, and finding what is wrong", "vaws configure writes profiles into the AWS config, and vaws doctor finds a misspelt key there.",
		[]scene{
			{command: "vaws configure --role fed --region us-east-1 --yes"},
			{command: "echo 'vaws_rol = admin' >>~/.aws/config"},
			{command: "vaws doctor", fails: true},
		},
	},
}
