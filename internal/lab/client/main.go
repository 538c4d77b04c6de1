// Command client is what an ordinary program on the AWS SDK for Go v2 looks
// like to vaws: it takes credentials from the SDK's default chain, prints who it
// is, and lists the VPCs it sees. AWS_ENDPOINT_URL points it at the stand-in.
//
// With -rotations N it calls AWS again and again with the same configuration,
// until its keys have changed N times, and fails at the first call that AWS
// refuses.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	rotations := flag.Int("rotations", 0, "how often the keys have to change")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout, *rotations); err != nil {
		fmt.Fprintln(os.Stderr, "client: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, rotations int) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion("us-east-1"))
	if err != nil {
		return err
	}
	if rotations > 0 {
		return outlive(ctx, out, cfg, rotations)
	}
	identity, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "account:", aws.ToString(identity.Account))
	fmt.Fprintln(out, "arn:", aws.ToString(identity.Arn))
	vpcs, err := ec2.NewFromConfig(cfg).DescribeVpcs(ctx, nil)
	if err != nil {
		return err
	}
	for _, vpc := range vpcs.Vpcs {
		fmt.Fprintln(out, "vpc:", aws.ToString(vpc.VpcId), aws.ToString(vpc.CidrBlock))
	}
	return nil
}

// outlive calls AWS until the keys have changed that often.
func outlive(ctx context.Context, out io.Writer, cfg aws.Config, rotations int) error {
	client := sts.NewFromConfig(cfg)
	seen := map[string]bool{}
	calls := 0
	for ; len(seen) <= rotations; calls++ {
		keys, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		seen[keys.AccessKeyID] = true
		if _, err := client.GetCallerIdentity(ctx, nil); err != nil {
			return fmt.Errorf("call %d with set %d of keys: %w", calls, len(seen), err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Fprintf(out, "%d calls with %d sets of keys\n", calls, len(seen))
	return nil
}
